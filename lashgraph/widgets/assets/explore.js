// explore(store) as a widget of its own.

export default widget("Session explorer", explore_view);
