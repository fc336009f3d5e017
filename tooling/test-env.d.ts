// What tests and apps have besides Node's types. It also keeps an empty test folder from being an error.
/// <reference path="./ambient-wasm.d.ts" />
