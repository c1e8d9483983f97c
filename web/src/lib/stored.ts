/** A small setting kept in this browser. Where storage is switched off it lasts as long as the page. */
export function stored<T extends string>(key: string, isValid: (value: string) => boolean = () => true) {
  let memory: T | null = null;
  return {
    get(): T | null {
      try {
        const value = localStorage.getItem(key);
        return value !== null && isValid(value) ? (value as T) : null;
      } catch {
        return memory;
      }
    },
    set(value: T | null): void {
      memory = value;
      try {
        if (value === null) localStorage.removeItem(key);
        else localStorage.setItem(key, value);
      } catch {
        // Kept in memory only.
      }
    },
  };
}
