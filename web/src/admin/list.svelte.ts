import { apiList } from "../api/client";
import { here, setQueries } from "../lib/location.svelte";

export const pageSize = 50;

/** One page of a list of the server. What is looked for, the order and the page are words of the address. */
export class ServerList<T> {
  rows = $state.raw<T[] | null>(null);
  total = $state(0);
  error = $state.raw<unknown>(null);
  private turn = $state(0);

  constructor(private readonly path: string) {}

  readonly words = $derived(here.query.get("q") ?? "");
  readonly sort = $derived(here.query.get("sort") ?? "");
  readonly page = $derived(Math.max(1, Math.floor(Number(here.query.get("page")) || 1)));
  readonly pages = $derived(Math.max(1, Math.ceil(this.total / pageSize)));

  /** For an effect: asks again whenever the address changes or [`reload`] was called. */
  follow(): () => void {
    void this.turn;
    const query = new URLSearchParams({ limit: String(pageSize), offset: String((this.page - 1) * pageSize) });
    if (this.words) query.set("q", this.words);
    if (this.sort) query.set("sort", this.sort);
    const abort = new AbortController();
    apiList<T>(`${this.path}?${query}`, { signal: abort.signal }).then(
      ({ rows, total }) => {
        this.rows = rows;
        this.total = total;
        this.error = null;
        // The last row of the last page is gone: the page before it is the last now.
        if (rows.length === 0 && this.page > 1) this.show(1);
      },
      (error) => {
        if (!abort.signal.aborted) this.error = error;
      },
    );
    return () => abort.abort();
  }

  reload(): void {
    this.turn++;
  }

  find(words: string): void {
    setQueries({ q: words.trim() || null, page: null });
  }

  /** Sorts by a column, and the other way round when it is chosen again. */
  sortBy(column: string): void {
    setQueries({ sort: this.sort === column ? `-${column}` : column, page: null });
  }

  show(page: number): void {
    setQueries({ page: page > 1 ? String(page) : null });
  }
}
