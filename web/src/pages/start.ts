import { mount, type Component } from "svelte";
import { startLanguage } from "../i18n/locale.svelte";
import { keepForOffline } from "../lib/offline";
import "../lib/theme.svelte";
import "../styles/base.css";

/** Puts a page on the screen, in the language this device reads. */
export async function start(page: Component): Promise<void> {
  await startLanguage();
  mount(page, { target: document.getElementById("app")! });
  keepForOffline();
}
