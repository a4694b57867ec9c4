// What a suite for mocha finds: `describe` and `it`, which are those of node:test.
const { describe, it } = require('node:test');

Object.assign(globalThis, { describe, it });
