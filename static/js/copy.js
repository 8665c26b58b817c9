/** "Copy" copies the code as shown. "Copy with key" requests the same code with the key from the portal. */
export function copyButtons(root = document) {
  for (const button of root.querySelectorAll('[data-copy]')) {
    button.hidden = false
    button.addEventListener('click', () => copy(button, () => textOf(button.dataset.copy)))
  }
  for (const button of root.querySelectorAll('[data-copy-text]')) {
    button.hidden = false
    button.addEventListener('click', () =>
      copy(button, () => document.getElementById(button.dataset.copyText).textContent),
    )
  }
  for (const button of root.querySelectorAll('[data-copy-with-key]')) {
    button.hidden = false
    button.addEventListener('click', () => copy(button, () => withKey(button)))
  }
}

function textOf(client) {
  return document.querySelector(`code[data-client="${CSS.escape(client)}"]`).textContent
}

async function withKey(button) {
  const response = await fetch(button.dataset.reveal, { method: 'POST', headers: { accept: 'application/json' } })
  if (!response.ok) throw new Error(`the portal returned ${response.status}`)
  const { snippets } = await response.json()
  return snippets.find(({ client }) => client === button.dataset.copyWithKey).with_key
}

/** Timers that restore the label of a button; the latest copy counts. */
const resets = new WeakMap()

/**
 * Copies the result of `read` and confirms it on the button for two seconds. A button with an icon has its text in an element: the
 * icon shows the result.
 */
export async function copy(button, read) {
  const label = button.firstElementChild ?? button
  label.dataset.label ??= label.textContent
  try {
    await navigator.clipboard.writeText(await read())
    label.textContent = 'Copied'
    button.setAttribute('data-copied', 'true')
  } catch {
    label.textContent = 'Could not copy'
    button.setAttribute('data-copied', 'false')
  }
  button.setAttribute('aria-live', 'polite')
  clearTimeout(resets.get(button))
  resets.set(
    button,
    setTimeout(() => {
      label.textContent = label.dataset.label
      button.removeAttribute('data-copied')
    }, 2000),
  )
}
