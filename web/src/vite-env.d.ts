/// <reference types="vite/client" />

/** The version of this client, from package.json. */
declare const __PLENUM_VERSION__: string;
