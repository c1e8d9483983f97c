import english from "./en/teacher";
import { catalogue } from "./locale.svelte";

export const t = catalogue(english, () => import("./hi/teacher"));
