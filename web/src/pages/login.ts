import LoginPage from "../login/LoginPage.svelte";
import { start } from "./start";

void start(LoginPage);
