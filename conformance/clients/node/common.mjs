// What the programs in these folders share.
//
// A program is started as `node PROGRAM VARIANT NETWORK ADDRESS [CA]`: with
// tcp, unix or tls, the address of the server on it, and the file of the
// authority that signed its certificate. It prints what a user of the library
// would see, in an order that does not depend on timing,
// and ends by itself once it has closed its connections. It exits with a
// nonzero status when something does not happen. The Go test beside this
// folder compares the output with the recorded one.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { setTimeout as rest } from "node:timers/promises";

const args = process.argv.slice(2);
if (args.length < 3 || args.length > 4) {
  throw new Error(`usage: node ${process.argv[1]} VARIANT NETWORK ADDRESS [CA]`);
}

// variant says which release of the library to use, and how.
export const variant = args[0];

const [network, address] = args.slice(1);
const [host, port] = address.split(":");

// at is where the server is, as all the libraries call it.
export const at = network === "unix" ? { path: address } : { host, port: Number(port) };

// ca is the certificate of the authority, undefined without TLS.
export const ca = args[3] && readFileSync(args[3]);

// WAIT bounds every wait, in milliseconds. It is generous: a healthy server
// answers in milliseconds, and the bound only turns a hang into a failure.
const WAIT = 20_000;

// PAUSE is how long a poll rests between two looks, in milliseconds.
const PAUSE = 5;

// say prints one line of outcome. What is not a string is shown as JSON.
export function say(...fields) {
  console.log(fields.map((f) => (typeof f === "string" ? f : JSON.stringify(f))).join(" "));
}

// bytes writes a Buffer as a JSON string with a character for each byte.
export function bytes(buffer) {
  if (!Buffer.isBuffer(buffer)) {
    throw new Error(`${typeof buffer} ${buffer} is no Buffer`);
  }
  return JSON.stringify(buffer.toString("latin1"));
}

// until waits until condition() is true, or resolves to true; what names it
// when it never is.
export async function until(what, condition) {
  const deadline = Date.now() + WAIT;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`waited ${WAIT} ms for: ${what}`);
    }
    await rest(PAUSE);
  }
}

// failure awaits a promise that must be rejected and returns the error's text.
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error.message;
  }
  throw new Error("no error");
}

// once waits for an event of an emitter and returns its arguments. Unlike that
// of node:events it is not rejected by an error event.
export function once(emitter, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited ${WAIT} ms for the event ${event}`)), WAIT);
    emitter.once(event, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

// An Inbox keeps what handlers receive until the program looks at it.
export class Inbox {
  #lines = [];

  // put adds one thing received; it takes what say takes.
  put(...fields) {
    this.#lines.push(fields);
  }

  // as returns a handler that puts its arguments behind a name.
  as(...name) {
    return (...args) => this.put(...name, ...args);
  }

  // say waits for the next n things and prints them.
  async say(n) {
    for (const line of await this.#take(n)) say(...line);
  }

  // saySorted is say for things whose order is not promised.
  async saySorted(n) {
    const lines = await this.#take(n);
    for (const line of lines.map((l) => JSON.stringify(l)).sort()) say(...JSON.parse(line));
  }

  // nothing fails when something is there that was not looked at.
  nothing() {
    if (this.#lines.length > 0) {
      throw new Error(`unexpected: ${JSON.stringify(this.#lines)}`);
    }
  }

  async #take(n) {
    await until(`${n} things received, has ${JSON.stringify(this.#lines)}`, () => this.#lines.length >= n);
    return this.#lines.splice(0, n);
  }
}

// restart asks whoever started the program to stop the server and to start it
// on the same port, and resolves when that is done.
export async function restart() {
  say("ready-for-restart");
  const input = createInterface({ input: process.stdin });
  await new Promise((resolve) => input.once("line", resolve));
  input.close();
}
