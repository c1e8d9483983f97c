import StudentApp from "./StudentApp.svelte";
import { start } from "./start";

void start(StudentApp);
