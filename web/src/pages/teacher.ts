import TeacherApp from "./TeacherApp.svelte";
import { start } from "./start";

void start(TeacherApp);
