import english from "./en/admin";
import { catalogue } from "./locale.svelte";

export const t = catalogue(english, () => import("./hi/admin"));
