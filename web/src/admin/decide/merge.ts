import { api, ApiError, post } from "../../api/client";
import { t } from "../../i18n/admin";
import { t as common } from "../../i18n/common";
import { say } from "../../ui/toasts.svelte";
import { decisions } from "./decisions.svelte";

interface Merged {
  marks: number;
  courses: number;
}

const path = (id: string) => `/api/admin/students/${encodeURIComponent(id)}/merge`;

/** Moves marks and courses of a student to another one. Answers how many marks. */
export async function move(id: string, into: string): Promise<number> {
  return (await post<Merged>(path(id), { into })).marks;
}

/** Makes one student of several: `into` stays. */
export async function merge(ids: string[], into: string): Promise<void> {
  let marks = 0;
  for (const id of ids) marks += await move(id, into);
  say(t("merged", { n: marks }), {
    action: { label: common("undo"), run: () => void Promise.all(ids.map((id) => part(id))).catch(failed) },
  });
  await decisions.load();
}

/** Takes a merge back. */
export async function part(id: string): Promise<void> {
  await api(path(id), { method: "DELETE" });
  await decisions.load();
}

export function failed(caught: unknown): void {
  say(caught instanceof ApiError && caught.message ? caught.message : common("error_offline"), { kind: "bad" });
}
