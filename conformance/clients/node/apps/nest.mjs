// A microservice of NestJS with the Redis transport, and a client of it.

import "reflect-metadata";

import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ClientProxyFactory, EventPattern, MessagePattern, Transport } from "@nestjs/microservices";
import { firstValueFrom, from, toArray } from "rxjs";

import { Inbox, at, ca, failure, say } from "../common.mjs";

const transport = { transport: Transport.REDIS, options: { ...at, ...(ca && { tls: { ca } }), wildcards: true } };
const inbox = new Inbox();

class Desk {
  sum(numbers) {
    return numbers.reduce((a, b) => a + b, 0);
  }

  count(n) {
    return from(Array.from({ length: n }, (_, i) => i));
  }

  fail() {
    throw new Error("hidden from clients");
  }

  noted(note) {
    inbox.put("noted", note);
  }
}

class App {}

// What decorators would do in TypeScript.
const decorate = (method, decorator) =>
  decorator(Desk.prototype, method, Object.getOwnPropertyDescriptor(Desk.prototype, method));
decorate("sum", MessagePattern("sum"));
decorate("count", MessagePattern("count"));
decorate("fail", MessagePattern("fail"));
decorate("noted", EventPattern("note.*"));
Controller()(Desk);
Module({ controllers: [Desk] })(App);

const service = await NestFactory.createMicroservice(App, { ...transport, logger: false });
await service.listen();
const client = ClientProxyFactory.create(transport);
await client.connect();
say("sum", await firstValueFrom(client.send("sum", [1, 2, 39])));
say("count", await firstValueFrom(client.send("count", 4).pipe(toArray())));
say("both", await Promise.all([client.send("sum", [1]), client.send("sum", [2])].map((reply) => firstValueFrom(reply))));
say("fail", await failure(firstValueFrom(client.send("fail", {}))));
await firstValueFrom(client.emit("note.urgent", { text: "ça va" }), { defaultValue: undefined });
await inbox.say(1);
inbox.nothing();
await client.close();
await service.close();
