import english from "./en/projector";
import { catalogue } from "./locale.svelte";

export const t = catalogue(english, () => import("./hi/projector"));
