export interface Target {
  base: string;
  admin: { username: string; password: string };
  /** Of a server with some history; without it the tests use what they seed. */
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
