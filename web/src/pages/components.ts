import ComponentsPage from "../dev/ComponentsPage.svelte";
import { start } from "./start";

void start(ComponentsPage);
