package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
)

// Unsafe reports files that import unsafe and do not say so in their name: the
// list of files is the list of what must be audited.
func Unsafe(files []File) (wrong []string) {
	for _, f := range files {
		named, _ := path.Match("*_unsafe*.go", path.Base(f.Path))
		if !named && slices.Contains(f.imports(), "unsafe") {
			wrong = append(wrong, f.Path+" imports unsafe; such files are named *_unsafe*.go")
		}
	}
	return wrong
}

// Documented reports exported names without a comment. Methods of types that are
// not exported are left out: they serve interfaces.
func Documented(files []File) (wrong []string) {
	for _, f := range files {
		if f.IsTest() {
			continue
		}
		for _, d := range f.AST.Decls {
			for _, name := range bare(d) {
				wrong = append(wrong, fmt.Sprintf("%s: %s has no doc comment", f.at(d), name))
			}
		}
	}
	return wrong
}

// bare returns the exported names that a declaration leaves without a comment.
func bare(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || receiver(d).IsExported()) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			names = append(names, bareSpec(d, s)...)
		}
	}
	return names
}

// bareSpec lets one comment serve a whole group of constants or variables.
func bareSpec(d *ast.GenDecl, s ast.Spec) (names []string) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		alone := !d.Lparen.IsValid()
		if s.Name.IsExported() && s.Doc == nil && s.Comment == nil && !(alone && d.Doc != nil) {
			names = append(names, s.Name.Name)
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// receiver is the name of a method's type, below pointers and type parameters.
func receiver(d *ast.FuncDecl) *ast.Ident {
	for t := d.Recv.List[0].Type; ; {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x
		default:
			return ast.NewIdent("_")
		}
	}
}

// Started reports functions that are registered for a second process and that
// nothing in the package's tests names again. (A run cannot tell: it may have been
// filtered, or the test that starts the function been skipped for its reason.)
func Started(files []File) (wrong []string) {
	named := map[[2]string]int{} // how often a package's files have a text
	registered := map[[2]string]string{}
	for _, f := range files {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				named[f.text(lit)]++
			}
			if call, ok := n.(*ast.CallExpr); ok && f.IsTest() && isRegister(call) {
				if lit, ok := call.Args[0].(*ast.BasicLit); ok {
					registered[f.text(lit)] = f.at(call)
				}
			}
			return true
		})
	}
	for what, where := range registered {
		if named[what] < 2 {
			wrong = append(wrong, fmt.Sprintf("%s: %q is registered and never started", where, what[1]))
		}
	}
	slices.Sort(wrong)
	return wrong
}

func (f File) text(lit *ast.BasicLit) [2]string {
	s, _ := strconv.Unquote(lit.Value)
	return [2]string{f.Package(), s}
}

// isRegister recognises proctest.Register("name", …).
func isRegister(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Register" || len(call.Args) != 2 {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "proctest"
}
