import { number } from '../../web/words.js'
import type { CodeView } from './code-view.js'
import type { Answered, Choice, Refused } from './playground.js'
import { LONGEST_SAID, type Said } from './results.js'
import { rankingView, vectorsView } from './results-view.js'
import { linesOf, type Turn } from './wanted.js'

type Kind = 'chat' | 'embedding' | 'rerank'

export interface Shown {
  choices: Choice[]
  chosen: Choice | undefined
  compared: Choice | undefined
  values: Record<string, string>
  errors: Record<string, string>
  /** a conversation, the newest exchange last */
  turns: ShownTurn[]
  result?: Answered | undefined
  refused?: Refused | undefined
  /** the conversation as code */
  code?: CodeView
}

export interface ShownTurn {
  prompt: string
  answers: ShownAnswer[]
}

/** An answer as views/playground/turns.eta shows it; whatever is empty is left out. */
export interface ShownAnswer {
  text: string
  reasoning?: string
  /** sentences about the answer: why it ended, what was changed in the request */
  notes?: string[]
  /** why there is no answer; such an exchange is not repeated to the model */
  failure?: string
  /** time and tokens */
  meta?: string
}

const blankAnswer: Required<ShownAnswer> = { text: '', reasoning: '', notes: [], failure: '', meta: '' }

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
    maxTokens: values.max_tokens ?? '',
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
    hasTurns: turns.length > 0,
    turns: [
      ...turns.map(({ prompt, answers }) => ({
        prompt,
        isTemplate: false,
        answers: answers.map((answer, side) => ({ ...blankAnswer, ...answer, name: names[side] ?? '' })),
      })),
      // what the page's script fills in
      { prompt: '', isTemplate: true, answers: names.map((name) => ({ ...blankAnswer, name })) },
    ],
    turnsJson: JSON.stringify(turns.filter(isAnswered).map(carried)),
    client: shown.code?.client ?? values.client ?? '',
    code: shown.code,
    failure: shown.refused ? failureWords(shown.refused) : '',
    vectors: shown.result && kind === 'embedding' ? vectorsView(shown.result, linesOf(values.input)) : undefined,
    ranking: shown.result && kind === 'rerank' ? rankingView(shown.result, linesOf(values.documents)) : undefined,
  }
}

export function kindOf(choice: Choice | undefined): Kind {
  const type = choice?.model.type
  return type === 'embedding' || type === 'rerank' ? type : 'chat'
}

/** One answer of a page without scripts: what was said, and how long it took. */
export function answerView(said: Said, ms: number): ShownAnswer {
  const { text, reasoning, words, isCut, promptTokens, completionTokens, reasoningTokens } = said
  const thought = reasoningTokens ? ` (${number(reasoningTokens)} reasoning)` : ''
  const tokens = [
    promptTokens === undefined ? '' : `${number(promptTokens)} tokens in`,
    completionTokens === undefined
      ? ''
      : `${number(completionTokens)} ${promptTokens === undefined ? 'tokens ' : ''}out${thought}`,
  ].filter(Boolean)
  const meta = [`${number(ms)} ms`, tokens.join(', '), isCut ? `only the first ${number(LONGEST_SAID)} characters` : '']
  return { text, reasoning, notes: words === '' ? [] : [words], meta: meta.filter(Boolean).join(' · ') }
}

export function failedView(refused: Refused): ShownAnswer {
  return { text: '', failure: failureWords(refused) }
}

/** An answer of an earlier exchange, of which the browser keeps the text alone. */
export function earlierAnswer(text: string): ShownAnswer {
  return text === '' ? { text, failure: 'No answer' } : { text }
}

/** The words with the status, unless that says that all is well. */
export function failureWords({ status, words }: Refused): string {
  return status >= 200 && status < 300 ? words : `${words} (${status})`
}

function carried({ prompt, answers }: ShownTurn): Turn {
  return { prompt, answers: answers.map(({ text, failure }) => (failure ? '' : text)) }
}

/** Any other exchange is not repeated to the model, and its message is in the field again. */
export function isAnswered({ answers }: ShownTurn): boolean {
  return answers.some(({ text, failure }) => text !== '' && !failure)
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
