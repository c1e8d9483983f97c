import english from "./en/student";
import { catalogue } from "./locale.svelte";

export const t = catalogue(english, () => import("./hi/student"));
