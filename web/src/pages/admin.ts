import AdminApp from "./AdminApp.svelte";
import { start } from "./start";

void start(AdminApp);
