import type { Locator, Page } from "playwright-core";

/** Noise of a browser whose server went away, which some tests make happen. */
const NETWORK = /net::ERR_|Failed to load resource/;

/** The page, in the words of who uses it. */
export class Playground {
  readonly page: Page;
  /** Agent and session. */
  readonly place: string;
  /** What the page's scripts complained about. */
  readonly complaints: string[] = [];

  constructor(page: Page, place: string) {
    this.page = page;
    this.place = place;
    page.on("pageerror", ({ message }) => this.complaints.push(message));
    page.on("console", (message) => {
      const isBad = message.type() === "error" || message.type() === "warning";
      if (isBad && !NETWORK.test(message.text())) this.complaints.push(message.text());
    });
  }

  /** Writes a message and sends it with the keyboard. */
  async send(text: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "Message" }).fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** The last answer. */
  get answer(): Locator {
    return this.page.locator("li.message.assistant").last();
  }

  /** All messages. */
  get messages(): Locator {
    return this.page.locator("li.message");
  }

  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true }).first();
  }

  /** Waits until a text is on the page. */
  async see(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** Waits until no turn runs. */
  async settled(): Promise<void> {
    await this.page.locator("ol.messages[aria-busy=false]").waitFor();
    await this.page.locator(".run h2 .state", { hasText: /done|failed/ }).waitFor();
  }

  /** From now on until the page is loaded anew, notes each text that the last answer has. */
  async watch(): Promise<void> {
    await this.page.evaluate(`
      window.watched = [];
      const look = () => {
        const answer = [...document.querySelectorAll("li.message.assistant")].at(-1);
        const text = [...(answer?.querySelectorAll(":scope > .text") ?? [])].map((part) => part.textContent).join("|");
        if (window.watched.at(-1) !== text) window.watched.push(text);
      };
      new MutationObserver(look).observe(document.querySelector("ol.messages"), {
        subtree: true, childList: true, characterData: true,
      });
      look();`);
  }

  /** What was noted. */
  async watched(): Promise<readonly string[]> {
    return this.page.evaluate<readonly string[]>("window.watched");
  }

  /** The text of the last answer, without its tools. */
  async text(): Promise<string> {
    return (await this.answer.locator(":scope > .text").allInnerTexts()).join("\n");
  }
}
