import HelpApp from "./HelpApp.svelte";
import { start } from "./start";

void start(HelpApp);
