export interface Target {
  base: string;
  admin: { username: string; password: string };
  /** Of a server with some history. */
  teacher?: { course_code: string; pin: string };
  /** Without it the tests use what they seed. */
  student?: { university_roll_no: string; password: string };
}

function read(): Target {
  const text = process.env.ARISE_E2E;
  if (!text) {
    throw new Error('set ARISE_E2E, e.g. {"base":"http://127.0.0.1:5000","admin":{"username":"admin","password":"…"}}');
  }
  return JSON.parse(text) as Target;
}

export const target = read();

/** The program itself, for tests that start a server of their own. */
export function program(): string {
  const path = process.env.ARISE_PROGRAM;
  if (!path) throw new Error("set ARISE_PROGRAM to the path of the built program, such as ../target/debug/arise");
  return path;
}

/** The servers that pages may load from. */
export const known = new Set([new URL(target.base).origin]);
