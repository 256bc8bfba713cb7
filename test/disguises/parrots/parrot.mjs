#!/usr/bin/env node
// A stand-in for a banned program: says when it runs, once a millisecond, until it ends by itself or is ended.
import { unlinkSync, writeSync } from "node:fs";

const say = (word) => writeSync(1, `${word} ${process.hrtime.bigint()}\n`);
say("runs");
const marker = "@MARKER@";
const spare = "spare feathers";
const { PARROT_TITLE: title, PARROT_FORGET: forget, PARROT_LIFE: life = "5000", PARROT_SAYS: says } = process.env;
if (title !== undefined) process.title = title;
if (forget !== undefined) unlinkSync(forget);
if (says !== undefined) writeSync(2, marker + spare); // else a bundler could leave both out
const beat = setInterval(() => say("beats"), 1);
setTimeout(() => {
  clearInterval(beat);
  say("ends");
}, Number(life));
