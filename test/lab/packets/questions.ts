/** Between two tries of a question that nobody answered as it should be. */
const AGAIN_MS = 300;
const BATCH = 200;

export interface Persisted<Q> {
  /** With the last that was heard. */
  readonly unanswered: readonly { readonly question: Q; readonly heard: string }[];
  /** Until the last was answered. */
  readonly tookMs: number;
}

/** Asks all of them, some at a time, again and again until each was answered as it should be, or the time is over. */
export async function persist<Q>(
  questions: readonly Q[],
  withinMs: number,
  ask: (question: Q) => Promise<string | undefined>,
): Promise<Persisted<Q>> {
  const began = performance.now();
  let left = questions.map((question) => ({ question, heard: 'nothing' }));
  for (;;) {
    const wrong: { readonly question: Q; readonly heard: string }[] = [];
    for (let from = 0; from < left.length; from += BATCH) {
      const batch = left.slice(from, from + BATCH);
      const said = await Promise.all(batch.map(({ question }) => ask(question)));
      said.forEach((heard, i) => {
        const each = batch[i];
        if (heard !== undefined && each !== undefined) wrong.push({ question: each.question, heard });
      });
    }
    left = wrong;
    const tookMs = performance.now() - began;
    if (left.length === 0 || tookMs > withinMs) return { unanswered: left, tookMs };
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
