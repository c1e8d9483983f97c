import english from "./en/common";
import { catalogue } from "./locale.svelte";

export const t = catalogue(english, () => import("./hi/common"));
