import english from "./en/login";
import { catalogue } from "./locale.svelte";

export const t = catalogue(english, () => import("./hi/login"));
