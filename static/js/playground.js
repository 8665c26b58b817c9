import { copy } from './copy.js'
import { streamAnswer } from './playground-answer.js'

/** Streams the answers of the playground into the conversation. The key stays on the server. */
export function playground(form) {
  const log = form.querySelector('[data-turns]')
  const status = form.querySelector('[data-status]')
  const send = form.querySelector('[data-send]')
  const stop = form.querySelector('[data-stop]')
  const turnTemplate = form.querySelector('[data-turn-template]')
  const { prompt, turns } = form.elements
  let running
  let follows = true

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
  log.addEventListener('scroll', () => {
    follows = log.scrollHeight - log.scrollTop - log.clientHeight < 48
  })
  log.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-copy-answer]')
    if (button) void copy(button, () => button.closest('[data-answer]').querySelector('[data-text]').textContent)
  })
  for (const button of log.querySelectorAll('[data-copy-answer]'))
    button.hidden = button.closest('[data-answer]').querySelector('[data-text]').textContent === ''
  // until here the form is posted as on a page without scripts
  form.dataset.playground = 'ready'

  async function ask() {
    const sent = new URLSearchParams(new FormData(form))
    const asked = prompt.value
    running = new AbortController()
    show(true)
    const boxes = addTurn(asked)
    prompt.value = ''
    const answers = await Promise.all(boxes.map((box, side) => answer(sent, side, box)))
    // a message that nobody answered is not repeated to the model: it is in the field again
    if (answers.some(Boolean))
      turns.value = JSON.stringify([...JSON.parse(turns.value || '[]'), { prompt: asked, answers }])
    else prompt.value ||= asked
    running = undefined
    show(false)
    prompt.focus()
  }

  function answer(sent, side, box) {
    const body = new URLSearchParams(sent)
    body.set('side', String(side))
    return streamAnswer({ body, box, signal: running.signal, announce, grows: () => follow(follows) })
  }

  function show(busy) {
    stop.hidden = !busy
    send.hidden = busy
    log.setAttribute('aria-busy', String(busy))
    if (!busy) status.textContent = ''
  }

  /** Each state is announced once, although it is reported every few seconds. */
  function announce(words) {
    if (status.textContent !== words) status.textContent = words
  }

  function follow(wanted) {
    if (wanted) log.scrollTop = log.scrollHeight
  }

  function addTurn(asked) {
    log.querySelector('[data-hint]')?.remove()
    const turn = turnTemplate.content.cloneNode(true)
    turn.querySelector('[data-prompt]').textContent = asked
    const boxes = [...turn.querySelectorAll('[data-answer]')]
    log.append(turn)
    follow(true)
    return boxes
  }
}
