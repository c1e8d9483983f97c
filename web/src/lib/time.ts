/**
 * The server writes times with the institution's offset (`2026-11-22T10:04:00+05:30`). People want to read the clock
 * that hangs in the classroom, whatever zone the browser believes it is in; so the wall time is read from the text and
 * formatted as if it were UTC.
 */
export function wallTime(iso: string): Date {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2}))?)?/.exec(iso);
  if (!match) return new Date(Number.NaN);
  const [, year, month, day, hour = "0", minute = "0", second = "0"] = match;
  return new Date(Date.UTC(+year!, +month! - 1, +day!, +hour, +minute, +second));
}

const formats = new Map<string, Intl.DateTimeFormat>();

function write(iso: string, tag: string, options: Intl.DateTimeFormatOptions): string {
  const date = wallTime(iso);
  if (Number.isNaN(date.getTime())) return "";
  const key = tag + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.DateTimeFormat(tag, { ...options, timeZone: "UTC" })));
  return format.format(date);
}

/** 10:04 am */
export function clock(iso: string, tag: string): string {
  return write(iso, tag, { hour: "numeric", minute: "2-digit" });
}

/** 10:04:31 am */
export function clockWithSeconds(iso: string, tag: string): string {
  return write(iso, tag, { hour: "numeric", minute: "2-digit", second: "2-digit" });
}

/** Sun, 22 Nov */
export function shortDay(iso: string, tag: string): string {
  return write(iso, tag, { weekday: "short", day: "numeric", month: "short" });
}

/** 22 Nov */
export function dayAndMonth(iso: string, tag: string): string {
  return write(iso, tag, { day: "numeric", month: "short" });
}

/** Nov */
export function month(iso: string, tag: string): string {
  return write(iso, tag, { month: "short" });
}

/** Sunday, 22 November 2026 */
export function longDay(iso: string, tag: string): string {
  return write(iso, tag, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

/** Sun for 0, Mon for 1 and so on. */
export function weekday(day: number, tag: string): string {
  // The first of this month was a Sunday.
  return write(`2026-11-0${(day % 7) + 1}`, tag, { weekday: "short" });
}

/** `7:05`, or `1:07:05` from an hour up. */
export function countdown(seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(left / 3600);
  const minutes = Math.floor((left % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
}

/** How long ago, in the largest unit that says something. */
export function ago(iso: string, now: number, tag: string): string {
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  const format = new Intl.RelativeTimeFormat(tag, { numeric: "auto", style: "short" });
  const distance = Math.abs(seconds);
  if (distance < 60) return format.format(Math.min(0, seconds), "second");
  if (distance < 3600) return format.format(Math.round(seconds / 60), "minute");
  if (distance < 86_400) return format.format(Math.round(seconds / 3600), "hour");
  return format.format(Math.round(seconds / 86_400), "day");
}

/** This moment as a text with the offset of the text given, for writing "now" in the institution's wall time. */
export function nowLike(iso: string, now: number): string {
  const offset = /([+-])(\d{2}):?(\d{2})$/.exec(iso);
  const minutes = offset ? (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === "-" ? -1 : 1) : 0;
  return new Date(now + minutes * 60_000).toISOString().slice(0, 19) + (offset ? offset[0] : "Z");
}
