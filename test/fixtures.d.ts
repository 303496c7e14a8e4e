// Coroutines that tests run on workers are plain JavaScript modules: a worker cannot load TypeScript on Node 20.
declare module "*.mjs";
