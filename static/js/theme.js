// Loaded before the first paint. Applies the selected theme, or the theme of the system.
;(() => {
  const system = window.matchMedia('(prefers-color-scheme: dark)')
  const read = () => {
    try {
      return localStorage.getItem('theme')
    } catch {
      return null
    }
  }
  const apply = () => {
    const chosen = read()
    const dark = chosen === 'dark' || (chosen !== 'light' && system.matches)
    document.documentElement.classList.toggle('pf-v6-theme-dark', dark)
  }
  system.addEventListener('change', apply)
  apply()
})()
