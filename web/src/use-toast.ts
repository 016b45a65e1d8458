import { useEffect, useState } from "react";

/** How long a message at the edge stays, in milliseconds. */
const TOAST_MS = 4_000;

/** One short message at a time. */
export function useToast(): { readonly toast: string | undefined; readonly say: (text: string) => void } {
  const [toast, setToast] = useState<{ readonly text: string }>();
  useEffect(() => {
    if (toast === undefined) return undefined;
    const timer = setTimeout(() => {
      setToast(undefined);
    }, TOAST_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [toast]);
  return {
    toast: toast?.text,
    say: (text) => {
      setToast({ text });
    },
  };
}
