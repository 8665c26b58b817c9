import { codeBlocks } from '../../web/code.js'
import { number } from '../../web/words.js'
import type { Snippet } from '../snippets/schemas.js'
import type { Choice, Refused } from './playground.js'
import { rankingIn, type Said, similarity, vectorsIn } from './results.js'
import type { Turn } from './wanted.js'

type Kind = 'chat' | 'embedding' | 'rerank'

export interface Shown {
  choices: Choice[]
  chosen: Choice | undefined
  compared: Choice | undefined
  values: Record<string, string>
  errors: Record<string, string>
  /** a conversation, the newest exchange last */
  turns: ShownTurn[]
  result?: { body: unknown; ms: number } | undefined
  refused?: Refused | undefined
  /** the conversation as code */
  code?: Snippet[]
}

export interface ShownTurn {
  prompt: string
  answers: { text: string; meta: string; failed: boolean }[]
}

const labels: Record<string, string> = {
  chat: 'Chat',
  completion: 'Completion',
  embedding: 'Embeddings',
  rerank: 'Rerank',
}

export function playgroundView(shown: Shown) {
  const { choices, chosen, compared, values, errors, turns } = shown
  const kind: Kind = kindOf(chosen)
  const names = [chosen, compared].filter((choice) => choice !== undefined).map(({ model }) => model.name)
  return {
    title: 'Playground',
    none: choices.length === 0,
    isChat: kind === 'chat',
    isEmbedding: kind === 'embedding',
    isRerank: kind === 'rerank',
    isCompletion: chosen?.model.type === 'completion',
    groups: groupsOf(choices, chosen),
    others: choices
      .filter((choice) => kindOf(choice) === 'chat' && choice.model.system_name !== chosen?.model.system_name)
      .map((choice) => ({ ...option(choice), selected: choice.application.id === compared?.application.id })),
    canCompare: kind === 'chat',
    application: String(chosen?.application.id ?? ''),
    compare: String(compared?.application.id ?? ''),
    names,
    askWhom: names.join(' and '),
    two: names.length === 2,
    modelName: chosen?.model.name ?? '',
    applicationName: chosen?.application.name ?? '',
    applicationHref: chosen ? `/applications/${chosen.application.id}` : '',
    system: values.system ?? '',
    prompt: values.prompt ?? '',
    temperature: values.temperature ?? '',
    topP: values.top_p ?? '',
    maxTokens: values.max_tokens ?? '512',
    input: values.input ?? 'The sky is blue today.\nIt is a sunny day.\nMy invoice is overdue.',
    query: values.query ?? 'How do I renew my passport?',
    documents:
      values.documents ??
      'Passports are renewed at the town hall.\nThe library opens at nine.\nBring two photographs and the old passport.',
    errors: {
      prompt: errors.prompt ?? '',
      system: errors.system ?? '',
      temperature: errors.temperature ?? '',
      topP: errors.top_p ?? '',
      maxTokens: errors.max_tokens ?? '',
      input: errors.input ?? '',
      query: errors.query ?? '',
      documents: errors.documents ?? '',
    },
    turns: turns.map(({ prompt, answers }) => ({
      prompt,
      answers: answers.map((answer, side) => ({ ...answer, name: names[side] ?? '' })),
    })),
    turnsJson: JSON.stringify(turns.map(carried)),
    base: '',
    code: codeBlocks(shown.code ?? []),
    failure: shown.refused ? failureWords(shown.refused) : '',
    vectors: shown.result && kind === 'embedding' ? vectorsView(shown) : undefined,
    ranking: shown.result && kind === 'rerank' ? rankingView(shown) : undefined,
  }
}

export function kindOf(choice: Choice | undefined): Kind {
  const type = choice?.model.type
  return type === 'embedding' || type === 'rerank' ? type : 'chat'
}

/** One answer of a page without scripts: what was said, and how long it took. */
export function answerView({ text, promptTokens, completionTokens }: Said, ms: number) {
  const tokens =
    promptTokens === undefined || completionTokens === undefined
      ? ''
      : ` · ${number(promptTokens)} tokens in, ${number(completionTokens)} out`
  return { text, meta: `${number(ms)} ms${tokens}`, failed: false }
}

export function failedView(refused: Refused) {
  return { text: failureWords(refused), meta: '', failed: true }
}

export function failureWords({ status, words }: Refused): string {
  return `${words} (${status})`
}

function carried({ prompt, answers }: ShownTurn): Turn {
  return { prompt, answers: answers.map(({ text, failed }) => (failed ? '' : text)) }
}

function groupsOf(choices: Choice[], chosen: Choice | undefined) {
  const types = [...new Set(choices.map(({ model }) => model.type))]
  return types.map((type) => ({
    label: labels[type] ?? type,
    options: choices
      .filter(({ model }) => model.type === type)
      .map((choice) => ({ ...option(choice), selected: choice.application.id === chosen?.application.id })),
  }))
}

function option({ application, model }: Choice) {
  return { value: String(application.id), label: `${model.name}: ${application.name}` }
}

function vectorsView({ values, result }: Shown) {
  const vectors = vectorsIn(result?.body)
  const texts = (values.input ?? '').split(/\r?\n/).filter((line) => line.trim() !== '')
  const cells = vectors.map((a, row) =>
    vectors.map((b, column) => {
      const value = similarity(a, b)
      const shade = Math.max(0, Math.min(9, Math.round(value * 9)))
      return { text: value.toFixed(2), shade: `shade-${shade}`, self: row === column }
    }),
  )
  return {
    summary: `${vectors.length} texts, ${number(vectors[0]?.length ?? 0)} numbers each, in ${number(result?.ms ?? 0)} ms`,
    closest: closestOf(vectors, texts),
    heads: vectors.map((_, index) => String(index + 1)),
    rows: cells.map((row, index) => ({ number: String(index + 1), text: texts[index] ?? '', cells: row })),
    first: (vectors[0] ?? [])
      .slice(0, 8)
      .map((value) => value.toFixed(4))
      .join(', '),
  }
}

function closestOf(vectors: number[][], texts: string[]): string {
  let best = { value: Number.NEGATIVE_INFINITY, pair: [0, 0] }
  for (const [i, a] of vectors.entries()) {
    for (const [j, b] of vectors.entries()) {
      if (j <= i) continue
      const value = similarity(a, b)
      if (value > best.value) best = { value, pair: [i, j] }
    }
  }
  if (!Number.isFinite(best.value)) return ''
  const [i = 0, j = 0] = best.pair
  return `Closest: “${texts[i] ?? ''}” and “${texts[j] ?? ''}” (${best.value.toFixed(2)}).`
}

function rankingView({ values, result }: Shown) {
  const documents = (values.documents ?? '').split(/\r?\n/).filter((line) => line.trim() !== '')
  const ranking = rankingIn(result?.body)
  const most = Math.max(...ranking.map(({ score }) => Math.abs(score)), Number.EPSILON)
  return {
    summary: `${ranking.length} documents in ${number(result?.ms ?? 0)} ms`,
    rows: ranking.map(({ index, score }, place) => ({
      place: String(place + 1),
      text: documents[index] ?? '',
      score: score.toFixed(3),
      share: String(Math.max(0, score / most)),
    })),
  }
}
