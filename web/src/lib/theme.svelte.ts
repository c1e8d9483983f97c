import { stored } from "./stored";

export type Theme = "system" | "light" | "dark";

const preference = stored<"light" | "dark">("arise.theme", (value) => value === "light" || value === "dark");
let chosen = $state<Theme>(preference.get() ?? "system");

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
prefersDark.addEventListener("change", apply);

export const theme = {
  get current(): Theme {
    return chosen;
  },
  set(value: Theme): void {
    chosen = value;
    preference.set(value === "system" ? null : value);
    apply();
  },
};

function apply(): void {
  const dark = chosen === "system" ? prefersDark.matches : chosen === "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}
