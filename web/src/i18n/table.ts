import english from "./en/table";
import { catalogue } from "./locale.svelte";

/** What tables, charts and deletions say; pages without them don't carry it. */
export const t = catalogue(english, () => import("./hi/table"));
