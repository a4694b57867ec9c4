// Loaded with `--require` before a program: whatever it requires and resolves to the first file gets the second.
const Module = require('node:module');

const replaced = new Map(JSON.parse(process.env.REPLACED_MODULES));
const resolve = Module._resolveFilename;
Module._resolveFilename = function (...args) {
  const file = resolve.apply(this, args);
  return replaced.get(file) ?? file;
};
