import { said } from "../i18n/server";
import { noteSource } from "../lib/kept.svelte";

/** What went wrong, in the server's words where it had any. `status` 0: the server could not be reached. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly requestId: string | null,
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
  }

  get offline(): boolean {
    return this.status === 0;
  }

  /** Seconds to wait, when the server said so. */
  get retryAfter(): number | null {
    const seconds = Number(this.body.retry_after);
    return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
  }
}

const timeoutMs = 15_000;

interface Options {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  /** Asking who one is, or trying a password, is answered 401 without meaning that a login has run out. */
  anonymous?: boolean;
  signal?: AbortSignal;
  /** How long an answer is waited for, in milliseconds; files on slow networks take longer. */
  patience?: number;
}

export async function api<T>(path: string, options: Options = {}): Promise<T> {
  return (await request(path, options)).data as T;
}

/** The rows of a list, and how many there are on the server when only some were asked for. */
export async function apiList<T>(path: string, options: Options = {}): Promise<{ rows: T[]; total: number }> {
  const { data, headers } = await request(path, options);
  const rows = data as T[];
  const total = headers.get("X-Total-Count");
  return { rows, total: total === null ? rows.length : Number(total) };
}

export function post<T>(path: string, body: unknown = {}, options: Options = {}): Promise<T> {
  return api<T>(path, { ...options, method: "POST", body });
}

async function request(path: string, options: Options): Promise<{ data: unknown; headers: Headers }> {
  const timeout = AbortSignal.timeout(options.patience ?? timeoutMs);
  let response: Response;
  let text: string;
  try {
    const isForm = options.body instanceof FormData;
    response = await fetch(path, {
      method: options.method ?? "GET",
      headers: { Accept: "application/json", ...(options.body && !isForm ? { "Content-Type": "application/json" } : {}) },
      body: isForm ? (options.body as FormData) : options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([timeout, options.signal]) : timeout,
      cache: "no-store",
    });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("", 0, "offline", null);
  }
  const data = parse(text);
  if (response.ok) {
    noteSource(response.headers);
    return { data, headers: response.headers };
  }

  const body = (typeof data === "object" && data !== null ? data : {}) as Record<string, unknown>;
  const retryAfter = response.headers.get("Retry-After");
  if (retryAfter) body.retry_after ??= retryAfter;
  if (response.status === 401 && !options.anonymous) toLogin();
  throw new ApiError(
    said(String(body.message ?? body.error ?? response.statusText)),
    response.status,
    String(body.code ?? "unknown"),
    String(body.request_id ?? response.headers.get("X-Request-Id") ?? "") || null,
    body,
  );
}

function parse(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** The login has run out. Leads to the login, and from there back to this page. */
export function toLogin(): void {
  const role = { "/t": "teacher", "/a": "admin", "/m": "student" }[location.pathname.slice(0, 2)] ?? "teacher";
  const next = location.pathname + location.search;
  location.replace(`/login?as=${role}&next=${encodeURIComponent(next)}`);
}
