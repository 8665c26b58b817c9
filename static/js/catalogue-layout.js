/** Switches between cards and a list, and remembers the choice in this browser. theme.js applies it before the page is shown. */
export function catalogueLayout() {
  const root = document.documentElement
  const group = document.querySelector('[data-layouts]')
  const buttons = [...group.querySelectorAll('[data-layout]')]
  const show = () => {
    for (const button of buttons)
      button.setAttribute('aria-pressed', String(button.dataset.layout === (root.dataset.layout ?? 'cards')))
  }
  show()
  group.hidden = false
  for (const button of buttons) {
    button.addEventListener('click', () => {
      root.dataset.layout = button.dataset.layout
      show()
      try {
        localStorage.setItem('layout', button.dataset.layout)
      } catch {
        // Private windows may refuse storage. The choice then applies to this page only.
      }
    })
  }
}
