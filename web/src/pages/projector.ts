import ProjectorPage from "../projector/ProjectorPage.svelte";
import { start } from "./start";

void start(ProjectorPage);
