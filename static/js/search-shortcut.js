/** Opens the command palette on a click, on Ctrl+K or Cmd+K, and on "/" where the page has no search field of its own. */
export function searchShortcut() {
  const button = document.querySelector('[data-palette]')
  if (!button) return
  let palette
  button.hidden = false
  button.addEventListener('click', open)
  document.addEventListener('keydown', (event) => {
    const hasModifier = event.ctrlKey || event.metaKey
    const isSlash = event.key === '/' && !hasModifier && !isEditable(event.target)
    const isPalette = event.key.toLowerCase() === 'k' && hasModifier && !event.shiftKey
    if (event.altKey || !(isSlash || isPalette) || document.querySelector('dialog[open]')) return
    event.preventDefault()
    const field = isSlash && document.querySelector('main input[type=search]')
    if (field) field.focus()
    else open()
  })

  async function open() {
    palette ??= import('./command-palette.js').then(({ createPalette }) => createPalette())
    const { show } = await palette
    show()
  }
}

function isEditable({ isContentEditable, tagName }) {
  return isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(tagName)
}
