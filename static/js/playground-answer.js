import { eventsOf, formatStatistics } from './playground-events.js'
import { messages } from './playground-messages.js'

/**
 * Streams one answer into its element. Returns the text that the next message repeats: without reasoning, and empty if the
 * answer failed. `announce` informs screen readers, `onShown` is called after the page has changed, and `signal` stops the stream.
 */
export async function streamAnswer({ body, box, signal, announce, onShown }) {
  const view = answerView(box, onShown)
  let [usage, finish, first, chunks, hasResponse] = [undefined, '', undefined, 0, false]
  const start = performance.now()
  const statistics = (ending) =>
    formatStatistics({
      start,
      first,
      now: performance.now(),
      chunks,
      usage,
      showsReasoning: view.hasReasoning(),
      ending,
    })

  const handlers = {
    message({ text = '', reasoning = '' }) {
      if (text === '' && reasoning === '') return
      if (first === undefined && text === '') announce(messages.reasoning)
      first ??= performance.now()
      view.add(text, reasoning)
      if (chunks++ % 8 === 0) view.setMeta(statistics())
    },
    reclassify() {
      view.reclassify()
    },
    usage(counts) {
      usage = counts
    },
    finish({ message }) {
      finish = message
    },
    notice({ message }) {
      view.addRemark(message)
    },
    progress({ seconds, message }) {
      if (first !== undefined) return
      view.setMeta(messages.progress(message, seconds))
      announce(message)
    },
  }

  try {
    const response = await fetch('/playground/stream', { method: 'POST', body, signal, redirect: 'manual' })
    hasResponse = true
    if (response.type === 'opaqueredirect') {
      const [before, after] = messages.sessionEnded
      return fail(before, signInLink(), after)
    }
    if (!mediaTypeOf(response).startsWith('text/event-stream')) return fail(await errorMessageOf(response))
    for await (const { event, data } of eventsOf(response.body)) {
      if (event === 'failure') return fail(data.message)
      handlers[event]?.(data)
    }
    if (finish || !view.text()) view.addRemark(finish || messages.noText)
    view.end(statistics())
  } catch (error) {
    if (error.name !== 'AbortError') return fail(hasResponse ? messages.interrupted : messages.unreachable)
    view.end(first === undefined ? messages.stoppedEarly : statistics(messages.stopped))
  }
  return view.text()

  function fail(...parts) {
    view.fail(parts)
    return ''
  }
}

/**
 * The elements of an answer, as in views/playground/turns.eta. They change once per frame at most: the layout of a long answer
 * takes longer than the time between two tokens, and the page must respond to clicks. A hidden page changes when it is shown.
 */
function answerView(box, onShown) {
  const part = (name) => box.querySelector(`[data-${name}]`)
  const elements = { text: part('text'), reasoning: part('reasoning-text'), meta: part('meta') }
  const details = part('reasoning')
  const title = details.querySelector('summary')
  let [text, reasoning, meta, hasEnded, frame] = ['', '', messages.waiting, false, undefined]

  function show() {
    cancelAnimationFrame(frame)
    frame = undefined
    setText(elements.text, text)
    setText(elements.reasoning, reasoning)
    setText(title, text === '' && !hasEnded ? messages.reasoningOngoing : messages.reasoningTitle)
    setText(elements.meta, meta)
    details.hidden = reasoning === ''
    onShown()
  }
  function showSoon() {
    frame ??= requestAnimationFrame(show)
  }

  show()
  return {
    text: () => text,
    hasReasoning: () => reasoning !== '',
    add(newText, newReasoning) {
      text += newText
      reasoning += newReasoning
      showSoon()
    },
    /** The text shown as the answer so far is reasoning. */
    reclassify() {
      reasoning += text
      text = ''
      showSoon()
    },
    setMeta(line) {
      meta = line
      showSoon()
    },
    addRemark(message) {
      part('remarks').append(Object.assign(document.createElement('p'), { textContent: message }))
      showSoon()
    },
    end(line) {
      meta = line
      hasEnded = true
      show()
      void completeAnswer(box).then(onShown)
    },
    fail(parts) {
      box.classList.add('message-failed')
      part('failure').append(...parts)
      part('failure').hidden = false
      this.end(text === '' ? '' : messages.excluded)
    },
  }
}

/** Offers to copy a complete answer, and formats its Markdown. Without the parser, it remains as it is. */
export async function completeAnswer(box) {
  const [text, formatted] = [box.querySelector('[data-text]'), box.querySelector('[data-formatted]')]
  box.querySelector('[data-copy-answer]').hidden = text.textContent === ''
  if (text.textContent === '') return
  try {
    const { formatMarkdown } = await import('./playground-markdown.js')
    const nodes = formatMarkdown(text.textContent)
    if (!nodes) return
    formatted.replaceChildren(...nodes)
    showMarkdown(box, false)
    box.querySelector('[data-source]').hidden = false
  } catch {
    text.hidden = false
  }
}

/** Shows an answer as the model has sent it, or formatted. */
export function showMarkdown(box, isSource) {
  box.querySelector('[data-text]').hidden = !isSource
  box.querySelector('[data-formatted]').hidden = isSource
  box.querySelector('[data-source]').setAttribute('aria-pressed', String(isSource))
}

/** Sets the text of an element. Text that begins with the shown text extends its node. */
function setText(element, text) {
  const shown = element.firstChild ?? element.appendChild(document.createTextNode(''))
  if (text.startsWith(shown.data)) shown.appendData(text.slice(shown.length))
  else shown.data = text
}

async function errorMessageOf(response) {
  if (mediaTypeOf(response).startsWith('application/json')) {
    const { message, error } = await response.json()
    if (message ?? error?.message) return message ?? error.message
  }
  return response.status === 413 ? messages.tooLong : messages.error(response.status)
}

function mediaTypeOf(response) {
  return response.headers.get('content-type') ?? ''
}

/** Opens in a new tab, so that the conversation remains on this page. */
function signInLink() {
  const link = document.createElement('a')
  link.href = `/login?return_to=${encodeURIComponent(location.pathname + location.search)}`
  link.target = '_blank'
  link.textContent = messages.signIn
  return link
}
