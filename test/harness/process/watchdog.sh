# Cleans up when the program at the other end of standard input is gone.
# Lines, fields separated by tabs:
#   group PGID            a process group to kill
#   gone PGID             it ended by itself
#   folder PATH [LOGS]    a folder to remove, its "logs" moved to LOGS first
#   forget PATH           it was removed, or is to stay
trap '' HUP INT QUIT TERM PIPE
tab=$(printf '\t')
newline='
'
groups=' '
folders=$newline

while IFS=$tab read -r word first second; do
	case $word in
	group) groups="$groups$first " ;;
	gone)
		case $groups in *" $first "*)
			groups="${groups%%" $first "*} ${groups#*" $first "}" ;;
		esac
		;;
	folder) folders="$folders$first$tab$second$newline" ;;
	forget)
		kept=$newline
		while IFS=$tab read -r path logs; do
			if [ -n "$path" ] && [ "$path" != "$first" ]; then
				kept="$kept$path$tab$logs$newline"
			fi
		done <<LIST
$folders
LIST
		folders=$kept
		;;
	esac
done

for group in $groups; do
	kill -s KILL -- "-$group" 2>/dev/null
done
while IFS=$tab read -r path logs; do
	[ -n "$path" ] || continue
	if [ -n "$logs" ] && [ -d "$path/logs" ]; then
		mkdir -p "$logs" && cp -R "$path/logs/." "$logs/"
	fi
	# The killed may be writing their last words: try until nothing is left.
	for attempt in 1 2 3 4 5 6 7 8 9 10; do
		rm -rf "$path" 2>/dev/null && [ ! -e "$path" ] && break
		sleep 0.2
	done
done <<LIST
$folders
LIST
