/** Text of the command palette, which only scripts show. */
export const messages = {
  title: 'Search',
  placeholder: 'Search models, applications, pages',
  pages: 'Pages',
  actions: 'Actions',
  applications: 'Your applications',
  models: 'Models',
  searchModels: (query) => `Search all models for “${query}”`,
  switchTheme: 'Switch between light and dark',
  nothing: 'Nothing matches.',
  count: (count) => (count === 1 ? '1 result' : `${count} results`),
  failed: 'Models could not be loaded. Use the search of the catalogue.',
  hint: 'Use the arrow keys to select, Enter to open, Esc to close.',
}
