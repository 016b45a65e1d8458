/** What was done is undone when the rest fails. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
beforeAll(async () => {
  stack = await ExampleStack.start();
}, 120_000);
afterAll(() => stack.stop());
beforeEach(() => stack.effects.reset());

const calls = (city: string) => [
  { toolCalls: [{ id: "h1", name: "bookHotel", input: { city: "Rome" } }] },
  { toolCalls: [{ id: "f1", name: "bookFlight", input: { city } }] },
  { text: "Booked." },
];
const made = (): string[] => stack.effects.effects.map(({ name, key }) => `${name} ${key}`);

test("rollback: a handler that fails after the run undoes all of it, in reverse order", async () => {
  stack.replies(...calls("Rome"));
  const id = await stack.send("TripDesk/run", { trip: "7", wish: "Rome, please", card: "refused" });
  expect(await stack.restate.attach(id)).toMatchObject({
    status: 402,
    body: { message: "The card was refused (rolled back: 3 of 3 undone)" },
  });
  expect(made()).toEqual([
    "reserve budget-7",
    "book hotel-h1",
    "book flight-f1",
    "cancel flight-f1",
    "cancel hotel-h1",
    "release budget-7",
  ]);
  expect((await stack.steps(id)).slice(-3)).toEqual([
    "trip-desk undo bookFlight f1",
    "trip-desk undo bookHotel h1",
    "trip-desk order rollback release the budget",
  ]);
});

test("rollback: a run that fails undoes what it has done", async () => {
  stack.replies(...calls("Atlantis"));
  const id = await stack.send("TripDesk/run", { trip: "8", wish: "Atlantis, please", card: "good" });
  const { body } = await stack.restate.attach(id);
  expect((body as { message: string }).message).toMatch(/^Nobody flies to Atlantis\. \(rolled back: 3 of 3 undone\)$/);
  expect(made()).toEqual([
    "reserve budget-8",
    "book hotel-h1",
    "cancel flight-f1",
    "cancel hotel-h1",
    "release budget-8",
  ]);
});

test("rollback: nothing is undone when all goes well", async () => {
  stack.replies(...calls("Rome"));
  expect(await stack.ask("TripDesk/run", { trip: "9", wish: "Rome, please", card: "good" })).toBe("Booked.");
  expect(made()).toEqual(["reserve budget-9", "book hotel-h1", "book flight-f1"]);
});
