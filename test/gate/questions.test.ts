import { expect, test } from "vitest";
import type { Answer, Finding, GateDuty, Question } from "#platform/gate.ts";
import { Questions } from "#platform/linux/gate/questions.ts";

const questionOf = (fd: number): Question => ({
  what: "exec",
  pid: 1,
  fd,
  path: new Uint8Array(),
  since: performance.now(),
});
function* endless(): Finding {
  for (;;) yield "bytes";
}
function* small(): Finding {
  yield* [];
  return "allow";
}
const fault = (): never => {
  throw new Error("a fault");
};
const ignore = (): undefined => undefined;

function dutyOf(change: Partial<GateDuty>): GateDuty {
  return { find: endless, late: () => "allow", hear: ignore, overflowed: ignore, marked: ignore, ...change };
}

/** Questions with two seats, and what came of them, by descriptor. */
function asked(): { readonly questions: Questions; readonly answers: Map<number, Answer> } {
  const answers = new Map<number, Answer>();
  const answer = ({ fd }: Question, is: Answer): void => void answers.set(fd, is);
  return { questions: new Questions({ seats: 2, answer, live: ignore }), answers };
}

test("whoever starts more large files than there are seats for keeps nobody waiting: they are given up, others are answered", () => {
  const { questions, answers } = asked();
  const late: number[] = [];
  const duty = dutyOf({
    find: ({ fd }) => (fd < 10 ? endless() : small()),
    late: ({ fd }) => {
      late.push(fd);
      return "allow";
    },
  });
  for (const fd of [1, 2, 3, 4]) questions.begin(questionOf(fd), duty);
  expect([questions.size, late]).toEqual([2, [3, 4]]);
  questions.work(duty);
  questions.begin(questionOf(10), duty);
  expect([...answers]).toEqual([3, 4, 10].map((fd) => [fd, "allow"]));
});

test("whoever has got what they waited for is answered at once, however many they are and whoever else reads", () => {
  const { questions, answers } = asked();
  const slowly = dutyOf({ find: ({ fd }) => (fd < 100 ? endless() : waiting()) });
  const many = Array.from({ length: 50 }, (_, i) => 100 + i);
  for (const fd of [1, ...many]) questions.begin(questionOf(fd), slowly);
  for (const fd of many) questions.wake(fd);
  expect(questions.rest()).toBe(0);
  questions.work(slowly);
  expect([...answers]).toEqual(many.map((fd) => [fd, "deny"]));
});

test("those who wait for the agent take no seat from those who read", () => {
  const { questions } = asked();
  const late: number[] = [];
  const duty = dutyOf({
    find: ({ fd }) => (fd < 100 ? endless() : waiting()),
    late: ({ fd }) => (late.push(fd), "allow"),
  });
  for (const fd of [100, 101, 102, 1, 2, 3]) questions.begin(questionOf(fd), duty);
  expect(late).toEqual([3]);
});

/** Asks the agent; what is left to do afterwards takes a millisecond. */
function* waiting(): Finding {
  yield "agent";
  for (const end = performance.now() + 1; performance.now() < end;);
  return "deny";
}

test("a fault in what is said of a late answer keeps nobody waiting either", () => {
  const { questions, answers } = asked();
  questions.begin(questionOf(1), dutyOf({ find: faulty, late: fault }));
  expect([...answers]).toEqual([[1, "allow"]]);
});

function* faulty(): Finding {
  yield* [];
  throw new Error("a fault");
}
