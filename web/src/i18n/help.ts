import english from "./en/help";
import { catalogue } from "./locale.svelte";

export const t = catalogue(english, () => import("./hi/help"));
