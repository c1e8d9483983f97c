/// <reference types="svelte" />
/// <reference types="vite/client" />

/** Whether this is a debug build, which has a made-up language for tests. */
declare const __PSEUDO__: boolean;
