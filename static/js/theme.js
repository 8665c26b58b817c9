// Loaded before the first paint. Applies the selected theme, or the theme of the system, and the layout of the catalogue.
;(() => {
  const root = document.documentElement
  const system = window.matchMedia('(prefers-color-scheme: dark)')
  const read = (name) => {
    try {
      return localStorage.getItem(name)
    } catch {
      return null
    }
  }
  const apply = () => {
    const chosen = read('theme')
    const dark = chosen === 'dark' || (chosen !== 'light' && system.matches)
    root.classList.toggle('pf-v6-theme-dark', dark)
  }
  system.addEventListener('change', apply)
  apply()
  if (read('layout') === 'list') root.dataset.layout = 'list'
})()
