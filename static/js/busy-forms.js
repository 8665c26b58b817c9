/** A response that takes longer shows on the button that was clicked. */
const SHOW_AFTER_MS = 100
/** A download leaves the page as it is, and a stopped request ends without an event. */
const RESTORE_AFTER_MS = 20_000

/** Shows that a form has been sent, and sends it once however often its button is clicked. */
export function busyForms() {
  const pending = new Set()

  // After the scripts of the page, which send some forms themselves.
  window.addEventListener('submit', (event) => {
    const { target: form, submitter } = event
    if (event.defaultPrevented || form.method !== 'post') return
    if (form.dataset.busy) return event.preventDefault()
    form.dataset.busy = 'true'
    const timers = [
      setTimeout(() => submitter?.setAttribute('aria-busy', 'true'), SHOW_AFTER_MS),
      setTimeout(restore, RESTORE_AFTER_MS),
    ]
    pending.add(restore)

    function restore() {
      for (const timer of timers) clearTimeout(timer)
      submitter?.removeAttribute('aria-busy')
      delete form.dataset.busy
      pending.delete(restore)
    }
  })
  // "Back" can show the page as it was left.
  window.addEventListener('pageshow', () => {
    for (const restore of pending) restore()
  })
}
