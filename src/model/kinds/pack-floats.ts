/**
 * Vectors of numbers as bytes, exactly: each number comes back as the very same float64.
 *
 * - `f32`: four bytes each, where all numbers are float32.
 * - `f32-decimal`: four bytes each, where all numbers are the shortest decimals of a float32, as most providers write them
 *   (`0.0023064255`). Such a number is no float32, but follows from one.
 * - `f64`: eight bytes each, for all others.
 *
 * A layout holds for all vectors of a step. Bytes are little-endian.
 */

/** How the numbers are laid out. Part of a stored form. */
export const FLOAT_LAYOUTS = ["f32", "f32-decimal", "f64"] as const;
export type FloatLayout = (typeof FLOAT_LAYOUTS)[number];

/** Vectors of one length. */
export interface PackedFloats {
  readonly layout: FloatLayout;
  readonly count: number;
  readonly dimensions: number;
  readonly bytes: Uint8Array;
}

/** The vectors as bytes; undefined when they are not lists of numbers, all of one length and not empty. */
export function packFloats(vectors: readonly unknown[]): PackedFloats | undefined {
  const [first] = vectors;
  const dimensions = Array.isArray(first) ? first.length : 0;
  if (dimensions === 0) return undefined;
  const isVector = (vector: unknown): vector is number[] =>
    Array.isArray(vector) && vector.length === dimensions && vector.every((item) => typeof item === "number");
  if (!vectors.every(isVector)) return undefined;
  const layout = layoutOf(vectors);
  const size = layout === "f64" ? 8 : 4;
  const bytes = new Uint8Array(vectors.length * dimensions * size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const vector of vectors) {
    for (const item of vector) {
      if (layout === "f64") view.setFloat64(at, item, true);
      else view.setFloat32(at, item, true);
      at += size;
    }
  }
  return { layout, count: vectors.length, dimensions, bytes };
}

/**
 * The vectors that were packed.
 *
 * @throws Error when there are not as many bytes as they take.
 */
export function unpackFloats({ layout, count, dimensions, bytes }: PackedFloats): number[][] {
  const size = layout === "f64" ? 8 : 4;
  if (bytes.length !== count * dimensions * size) {
    throw new Error(`Cannot read stored embeddings: ${bytes.length} bytes instead of ${count * dimensions * size}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READERS[layout];
  const vectors: number[][] = [];
  for (let at = 0; vectors.length < count;) {
    const vector: number[] = [];
    for (const end = at + dimensions * size; at < end; at += size) vector.push(read(view, at));
    vectors.push(vector);
  }
  return vectors;
}

const READERS: Readonly<Record<FloatLayout, (view: DataView, at: number) => number>> = {
  f32: (view, at) => view.getFloat32(at, true),
  "f32-decimal": (view, at) => shortestDecimal(view.getFloat32(at, true)),
  f64: (view, at) => view.getFloat64(at, true),
};

function layoutOf(vectors: readonly (readonly number[])[]): FloatLayout {
  if (vectors.every((vector) => vector.every((item) => Object.is(Math.fround(item), item)))) return "f32";
  const isDecimal = (item: number): boolean => Object.is(shortestDecimal(Math.fround(item)), item);
  return vectors.every((vector) => vector.every(isDecimal)) ? "f32-decimal" : "f64";
}

/** Powers of ten that a float64 holds exactly, and the smallest number that such a power brings to nine digits. */
const POWERS: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const LEAST = 1e-14;

/**
 * The shortest decimal of a float32. Every decimal of six digits has a float32 of its own, and nine digits tell any two
 * float32 apart. (Not so below 1.2e-38: such numbers make the layout `f64`.)
 *
 * A stored form depends on it. It uses nothing but comparisons, products and quotients of float64, which are the same on every
 * machine; the quotient of two integers that a float64 holds exactly is the very number that the decimal is read as.
 */
function shortestDecimal(float32: number): number {
  const size = Math.abs(float32);
  if (size === 0) return float32;
  if (!(size >= LEAST && size < 1e5)) return shortestByText(float32);
  let places = 0; // Decimal places with which it has six digits, its leading zeros aside.
  while (size * (POWERS[places] ?? Infinity) < 1e5) places += 1;
  for (const last = places + 3; places <= last; places += 1) {
    const power = POWERS[places] ?? Infinity;
    const decimal = Math.round(size * power) / power;
    if (Math.fround(decimal) === size) return float32 < 0 ? -decimal : decimal;
  }
  return shortestByText(float32);
}

/** The same for the largest and the smallest numbers, a hundred times slower. */
function shortestByText(float32: number): number {
  for (let digits = 6; digits < 9; digits += 1) {
    const decimal = Number(float32.toPrecision(digits));
    if (Math.fround(decimal) === float32) return decimal;
  }
  return Number(float32.toPrecision(9));
}
