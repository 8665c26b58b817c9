/** Streams the answers of the playground, with stop, time to first token and tokens a second. The key stays on the server. */
export function playground(form) {
  const log = form.querySelector('[data-turns]')
  const send = form.querySelector('[data-send]')
  const stop = form.querySelector('[data-stop]')
  const { prompt, turns } = form.elements
  const names = [...form.querySelector('[data-names]').content.children].map((child) => child.textContent)
  let running

  stop.addEventListener('click', () => running?.abort())
  form.addEventListener('submit', (event) => {
    if (event.submitter?.hasAttribute('data-as-code')) return
    event.preventDefault()
    if (!running) void ask()
  })
  prompt.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    form.requestSubmit(send)
  })

  async function ask() {
    const sent = new URLSearchParams(new FormData(form))
    const asked = prompt.value
    running = new AbortController()
    show(true)
    const answers = addTurn(asked)
    prompt.value = ''
    const texts = await Promise.all(answers.map((answer, side) => stream(sent, side, answer, running.signal)))
    turns.value = JSON.stringify([...JSON.parse(turns.value || '[]'), { prompt: asked, answers: texts }])
    running = undefined
    show(false)
    prompt.focus()
  }

  function show(busy) {
    stop.hidden = !busy
    send.hidden = busy
    log.setAttribute('aria-busy', String(busy))
  }

  function addTurn(asked) {
    log.querySelector('[data-hint]')?.remove()
    const turn = element('div', 'turn')
    turn.append(element('p', 'said said-by-you', asked))
    const row = element('div', 'said-answers')
    const answers = names.map((name) => {
      const box = element('div', 'said said-by-model')
      const text = element('p', 'said-text')
      const meta = element('p', 'said-meta', 'Waiting for the first token')
      box.append(element('p', 'said-name', name), text, meta)
      row.append(box)
      return { box, text, meta }
    })
    turn.append(row)
    log.append(turn)
    turn.scrollIntoView({ block: 'nearest' })
    return answers
  }
}

const BURST_MS = 50

/** Gives what was said; a failure is told in the answer and gives nothing. */
async function stream(sent, side, { box, text, meta }, signal) {
  const body = new URLSearchParams(sent)
  body.set('side', String(side))
  const began = performance.now()
  let first
  let pieces = 0
  let usage
  const fail = (words) => {
    box.classList.add('said-failed')
    text.textContent = [text.textContent, words].filter(Boolean).join('\n\n')
    meta.textContent = ''
    return ''
  }
  const figures = (ended) => {
    const now = performance.now()
    // what a gateway held back comes all at once: then only the whole wait tells how fast the model was
    const burst = first === undefined || now - first < BURST_MS
    const seconds = (now - (burst ? began : first)) / 1000
    const count = usage?.completion_tokens ?? pieces
    const about = usage ? '' : 'about '
    const speed = seconds > 0 ? `${burst ? 'about ' : about}${Math.round(count / seconds)} tokens/s` : ''
    const tokens = usage ? `${usage.prompt_tokens} in, ${usage.completion_tokens} out` : `${about}${pieces} tokens`
    return [`first token ${Math.round((first ?? began) - began)} ms`, speed, tokens, ended].filter(Boolean).join(' · ')
  }
  try {
    const answer = await fetch('/playground/stream', { method: 'POST', body, signal })
    const type = answer.headers.get('content-type') ?? ''
    if (type.startsWith('application/json')) return fail((await answer.json()).words)
    if (!type.startsWith('text/event-stream')) return fail('Your session has ended. Load this page again to sign in.')
    for await (const { event, data } of events(answer.body)) {
      if (event === 'failure') return fail(data.words)
      if (data.usage) usage = data.usage
      if (data.error) return fail(data.error.message ?? 'The model reported an error.')
      const choice = data.choices?.[0]
      const piece = choice?.delta?.content ?? choice?.delta?.reasoning_content ?? choice?.text ?? ''
      if (piece === '') continue
      first ??= performance.now()
      pieces++
      text.append(piece)
      if (pieces % 8 === 1) meta.textContent = figures('')
    }
    meta.textContent = figures('')
  } catch (error) {
    if (error.name !== 'AbortError') return fail('The connection to the portal broke. Send it again.')
    meta.textContent = figures('stopped')
  }
  return text.textContent
}

/** Server-sent events of a body; comments and [DONE] are passed over. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const blocks = (rest + value).split(/\r?\n\r?\n/)
    rest = blocks.pop()
    for (const block of blocks) {
      const field = (name) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1]
      const data = field('data')
      if (data === undefined || data === '[DONE]') continue
      yield { event: field('event') ?? 'message', data: JSON.parse(data) }
    }
  }
}

function element(name, className, text = '') {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}
